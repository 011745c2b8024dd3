"""What a person reads of a registration: findings as numbers, and the sentences made of them."""
