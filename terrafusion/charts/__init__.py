"""How every chart looks and how it becomes a picture. What a chart shows stands beside the figures it shows."""
