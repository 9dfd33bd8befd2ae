"""Where whole tickets are worked on: here, in buckets."""
