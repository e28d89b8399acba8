"""The mail provider's own suppression list, kept in step with ours."""
