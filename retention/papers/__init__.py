"""What is printed: receipts, certificates and the record of processing, as PDF and CSV."""
