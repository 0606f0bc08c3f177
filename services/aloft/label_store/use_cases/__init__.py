"""What calls and events do to the label store, each in the transaction that it is given."""
