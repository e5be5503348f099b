"""What a layer of an export is: its fields, where its features come from, and how they are read."""
