"""Deployments: what went out, when, how it was tested, and which vendors and work items it touched."""
