"""How the features of a layer are selected and read, in batches of bounded memory."""
