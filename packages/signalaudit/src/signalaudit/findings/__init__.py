"""What an audit finds in one table: health, redundancy, saturation, disagreement, gain."""
