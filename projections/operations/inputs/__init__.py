"""What an operation is given: kinds of fields, how a value is read, what a refusal says of it."""
