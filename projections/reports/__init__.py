"""The status report as Markdown, HTML and data, and how a written report is read back."""
