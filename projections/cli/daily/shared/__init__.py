"""What commands of every day share: how one runs an operation, on each item that is named, on all of them at once."""
