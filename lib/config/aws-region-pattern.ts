/** What AWS's regions look like: `us-east-1`, `us-gov-west-1`, `eu-isoe-west-1`. */
export const AWS_REGION_PATTERN = /^[a-z]{2,4}(?:-[a-z]{2,10}){1,2}-\d{1,2}$/;
