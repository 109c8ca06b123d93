"""Evidence held against requirements: findings and the verdict."""
