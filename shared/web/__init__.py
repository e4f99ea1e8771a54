"""The HTTP side: requests in, responses out, and the routes between them."""
