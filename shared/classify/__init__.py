"""What one mail means: who really sent it, its signal, its facts."""
