"""What an assistant is offered: tools, resources, prompts, completions, subscriptions, pages."""
