"""What any service needs unchanged, whatever it is about. No domain word in it."""
