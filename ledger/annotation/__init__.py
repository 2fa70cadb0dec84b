"""Comments, attachments and effort: what is said of an entity, what belongs to it elsewhere, what went into it."""
