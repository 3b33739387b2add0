LaunchDescription = list
