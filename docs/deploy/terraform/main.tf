# Secretly on AWS: ECS on Fargate behind a load balancer, with RDS, ElastiCache, S3, Secrets Manager and Rekognition.
# docs/aws.md explains it. `terraform init && terraform validate`; then `terraform apply` with your own values.
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }
  }
}

variable "region" {
  type    = string
  default = "eu-central-1"
}
variable "name" {
  description = "The host name in the address bar, such as notes.example.org."
  type        = string
}
variable "image" {
  description = "The image of Containerfile in a registry, by digest."
  type        = string
}
variable "certificate_arn" {
  description = "A certificate of ACM for the host name."
  type        = string
}
variable "vpc_id" { type = string }
variable "public_subnets" { type = list(string) }
variable "private_subnets" {
  description = "With a way out: a NAT gateway, or endpoints for ECR, S3, Secrets Manager, CloudWatch and Rekognition."
  type        = list(string)
}
variable "machines" {
  type    = number
  default = 2
}

provider "aws" {
  region = var.region
  default_tags { tags = { application = "secretly" } }
}

data "aws_caller_identity" "current" {}

locals {
  environment = {
    AWS_REGION               = var.region
    AWS_STORAGE_BUCKET_NAME  = aws_s3_bucket.attachments.bucket
    DJANGO_ALLOWED_HOSTS     = var.name
    GUNICORN_CMD_ARGS        = "--bind=0.0.0.0:8000"
    REDIS_URL                = "rediss://${aws_elasticache_replication_group.cache.primary_endpoint_address}:6379/0"
    REKOGNITION_ENDPOINT     = "aws"
    SECRETLY_HTTPS           = "1"
    SECRETLY_LOG             = "json"
    SECRETLY_TRUSTED_PROXIES = join(",", [for subnet in data.aws_subnet.public : subnet.cidr_block])
  }
  # Each is one secret; `docs/aws.md` says how they are made.
  secrets = ["DATABASE_URL", "DJANGO_SECRET_KEY", "SECRETLY_ENCRYPTION_KEYS"]
  container = {
    name                   = "site"
    image                  = var.image
    essential              = true
    readonlyRootFilesystem = true
    user                   = "10001"
    environment            = [for name, value in local.environment : { name = name, value = value }]
    secrets                = [for name in local.secrets : { name = name, valueFrom = aws_secretsmanager_secret.secrets[name].arn }]
    linuxParameters        = { initProcessEnabled = true }
    mountPoints = [
      { sourceVolume = "home", containerPath = "/var/lib/secretly" },
      { sourceVolume = "tmp", containerPath = "/tmp" },
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.site.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "site"
      }
    }
  }
}

data "aws_subnet" "public" {
  for_each = toset(var.public_subnets)
  id       = each.value
}

# Who may reach what -----------------------------------------------------------------------------------------------------

resource "aws_security_group" "balancer" {
  name   = "secretly-balancer"
  vpc_id = var.vpc_id
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    from_port   = 8000
    to_port     = 8000
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "site" {
  name   = "secretly-site"
  vpc_id = var.vpc_id
  ingress {
    from_port       = 8000
    to_port         = 8000
    protocol        = "tcp"
    security_groups = [aws_security_group.balancer.id]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "data" {
  name   = "secretly-data"
  vpc_id = var.vpc_id
  dynamic "ingress" {
    for_each = [5432, 6379]
    content {
      from_port       = ingress.value
      to_port         = ingress.value
      protocol        = "tcp"
      security_groups = [aws_security_group.site.id]
    }
  }
}

# Data -------------------------------------------------------------------------------------------------------------------

resource "aws_db_subnet_group" "data" {
  name       = "secretly"
  subnet_ids = var.private_subnets
}

resource "aws_db_instance" "data" {
  identifier                   = "secretly"
  engine                       = "postgres"
  engine_version               = "17"
  instance_class               = "db.t4g.small"
  allocated_storage            = 20
  max_allocated_storage        = 200
  storage_encrypted            = true
  db_name                      = "secretly"
  username                     = "secretly"
  manage_master_user_password  = true
  multi_az                     = true
  backup_retention_period      = 14
  deletion_protection          = true
  final_snapshot_identifier    = "secretly-last"
  auto_minor_version_upgrade   = true
  db_subnet_group_name         = aws_db_subnet_group.data.name
  vpc_security_group_ids       = [aws_security_group.data.id]
  performance_insights_enabled = false
}

resource "aws_elasticache_subnet_group" "cache" {
  name       = "secretly"
  subnet_ids = var.private_subnets
}

resource "aws_elasticache_replication_group" "cache" {
  replication_group_id       = "secretly"
  description                = "Counts of rate limits, and what is remembered for a while"
  engine                     = "valkey"
  engine_version             = "8.0"
  node_type                  = "cache.t4g.micro"
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  subnet_group_name          = aws_elasticache_subnet_group.cache.name
  security_group_ids         = [aws_security_group.data.id]
}

resource "aws_s3_bucket" "attachments" {
  bucket_prefix = "secretly-attachments-"
}

resource "aws_s3_bucket_public_access_block" "attachments" {
  bucket                  = aws_s3_bucket.attachments.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "attachments" {
  bucket = aws_s3_bucket.attachments.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_lifecycle_configuration" "attachments" {
  bucket = aws_s3_bucket.attachments.id
  rule {
    id     = "what was deleted is gone after two weeks"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration { noncurrent_days = 14 }
    abort_incomplete_multipart_upload { days_after_initiation = 1 }
  }
}

resource "aws_rekognition_collection" "people" {
  collection_id = "secretly"
}

resource "aws_secretsmanager_secret" "secrets" {
  for_each                = toset(["DATABASE_URL", "DJANGO_SECRET_KEY", "SECRETLY_ENCRYPTION_KEYS"])
  name                    = "secretly/${each.value}"
  recovery_window_in_days = 30
}

# Permissions --------------------------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

# What starts the container: it pulls the image, writes the log and reads the secrets.
resource "aws_iam_role" "start" {
  name               = "secretly-start"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy_attachment" "start" {
  role       = aws_iam_role.start.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "secrets" {
  name = "secrets"
  role = aws_iam_role.start.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = [for secret in aws_secretsmanager_secret.secrets : secret.arn]
    }]
  })
}

# What the site itself may do: the policy of one file, with this account's collection and bucket.
resource "aws_iam_role" "site" {
  name               = "secretly-site"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy" "site" {
  name = "site"
  role = aws_iam_role.site.id
  policy = replace(
    replace(file("${path.module}/../iam-site.json"), "REGION:ACCOUNT", "${var.region}:${data.aws_caller_identity.current.account_id}"),
    "BUCKET", aws_s3_bucket.attachments.bucket
  )
}

# The site -----------------------------------------------------------------------------------------------------------------

resource "aws_cloudwatch_log_group" "site" {
  name              = "/secretly/site"
  retention_in_days = 90
}

resource "aws_ecs_cluster" "site" {
  name = "secretly"
}

resource "aws_ecs_task_definition" "site" {
  family                   = "secretly"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024
  memory                   = 2048
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.site.arn
  container_definitions = jsonencode([merge(local.container, {
    portMappings = [{ containerPort = 8000 }]
    healthCheck = {
      command     = ["CMD", "python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
      interval    = 10
      startPeriod = 60
    }
  })])
  volume { name = "home" }
  volume { name = "tmp" }
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }
}

resource "aws_ecs_service" "site" {
  name                              = "secretly"
  cluster                           = aws_ecs_cluster.site.id
  task_definition                   = aws_ecs_task_definition.site.arn
  desired_count                     = var.machines
  launch_type                       = "FARGATE"
  health_check_grace_period_seconds = 90
  enable_execute_command            = false
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets         = var.private_subnets
    security_groups = [aws_security_group.site.id]
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.site.arn
    container_name   = "site"
    container_port   = 8000
  }
  depends_on = [aws_lb_listener.https]
}

resource "aws_lb" "site" {
  name                       = "secretly"
  load_balancer_type         = "application"
  subnets                    = var.public_subnets
  security_groups            = [aws_security_group.balancer.id]
  drop_invalid_header_fields = true
  idle_timeout               = 70
  xff_header_processing_mode = "append"
}

resource "aws_lb_target_group" "site" {
  name                 = "secretly"
  port                 = 8000
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = 40
  health_check {
    path     = "/healthz"
    interval = 10
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.site.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.site.arn
  }
}

# For monitors inside only.
resource "aws_lb_listener_rule" "probes" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1
  condition {
    path_pattern { values = ["/healthz", "/readyz", "/metrics"] }
  }
  action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}

# Once a day -----------------------------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "schedule" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "schedule" {
  name               = "secretly-schedule"
  assume_role_policy = data.aws_iam_policy_document.schedule.json
}

resource "aws_iam_role_policy" "schedule" {
  name = "run"
  role = aws_iam_role.schedule.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "ecs:RunTask", Resource = "${aws_ecs_task_definition.site.arn_without_revision}:*" },
      { Effect = "Allow", Action = "iam:PassRole", Resource = [aws_iam_role.start.arn, aws_iam_role.site.arn] },
    ]
  })
}

resource "aws_scheduler_schedule" "care" {
  name                = "secretly-care"
  schedule_expression = "cron(20 3 * * ? *)"
  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 30
  }
  target {
    arn      = aws_ecs_cluster.site.arn
    role_arn = aws_iam_role.schedule.arn
    ecs_parameters {
      task_definition_arn = aws_ecs_task_definition.site.arn_without_revision
      launch_type         = "FARGATE"
      network_configuration {
        subnets         = var.private_subnets
        security_groups = [aws_security_group.site.id]
      }
    }
    input = jsonencode({ containerOverrides = [{ name = "site", command = ["sh", "-c", local.care] }] })
  }
}

locals {
  care = join(" && ", [
    "python manage.py clearsessions",
    "python manage.py empty_trash",
    "python manage.py prune_sign_ins --keep-days 365",
    "python manage.py rekognition_collection expire --inactive-days 1095 --yes",
    "python manage.py rekognition_collection doctor --repair",
  ])
}

output "address" {
  description = "Where a CNAME of the host name leads."
  value       = aws_lb.site.dns_name
}
