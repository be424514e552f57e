"""Reports on campaigns: what the rules and the simulated contacts show of one."""
