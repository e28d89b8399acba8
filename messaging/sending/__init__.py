"""How messages leave: places, connections, the hand-over."""
