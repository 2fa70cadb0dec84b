"""What can be asked of the read models; one module a noun, its SQL in sql/questions/<noun>/."""
