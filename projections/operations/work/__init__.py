"""Operations on work items."""
