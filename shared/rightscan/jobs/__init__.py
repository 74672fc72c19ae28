"""The use cases. They reach the world through ``ports`` alone and are the same on AWS and on one machine."""
