"""Evidence judged against requirements: findings and the verdict."""
