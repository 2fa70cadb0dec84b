"""Small values that everything else is made of: times, references, versions, changes of fields."""
