"""The customer reference program: what is shown of whom, in which words, and how it comes down."""
