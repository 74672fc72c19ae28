"""AWS: S3, one DynamoDB table, SQS, EventBridge, Batch."""
