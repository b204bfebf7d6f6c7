"""What an administrator looks at on a machine; each look returns a sentence for each fault."""
