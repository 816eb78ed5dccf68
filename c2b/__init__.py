"""Customers choose, then it is made."""
