"""What the commands of `regerr.cli` share."""
