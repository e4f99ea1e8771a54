"""One mail in a person's name: asked for, composed, delivered once, settled, and never sent twice."""
