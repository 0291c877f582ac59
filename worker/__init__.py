"""What happens on time, or after somebody did something."""
