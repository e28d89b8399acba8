"""Staff looking at a customer: for a reason, for half an hour, told to the customer."""
