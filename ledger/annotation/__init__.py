"""Comments and attachments: what is said of an entity of any category, and what belongs to it elsewhere."""
