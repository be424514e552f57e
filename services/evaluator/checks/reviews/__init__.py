"""What a language model thinks of a campaign, beside what the rules say."""
