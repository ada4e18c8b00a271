"""What an audit finds in a table: health, redundancy, gain, disagreement, advice."""
