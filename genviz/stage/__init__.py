"""What the browser is sent: scenes and frames as bytes, and the component that draws them."""
