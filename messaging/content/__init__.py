"""What customers keep with us of their own: taken in, shown to them, let go."""
