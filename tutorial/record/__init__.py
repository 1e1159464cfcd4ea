"""What a run left behind: records, transcripts, drift from them, results of recipes."""
