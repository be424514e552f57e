"""What single messages of a campaign say and how they are sent."""
