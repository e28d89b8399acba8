"""Pages that need no account: the front page, the policy, the promises, and what monitors ask."""
