/** Tools that change infrastructure, by the names their servers give them. */
const INFRASTRUCTURE = [
  // Kubernetes
  'apply_kubernetes_manifest',
  'delete_kubernetes_resource',
  'kubectl_apply',
  'kubectl_create',
  'kubectl_delete',
  'kubectl_patch',
  'kubectl_rollout',
  'kubectl_scale',
  // Cluster API
  'capi_create_cluster',
  'capi_create_machinedeployment',
  'capi_delete_cluster',
  'capi_delete_machine',
  'capi_move_cluster',
  'capi_pause_cluster',
  'capi_remediate_machine',
  'capi_resume_cluster',
  'capi_scale_cluster',
  'capi_scale_machinedeployment',
  'capi_update_cluster',
  'capi_upgrade_cluster',
  // Helm
  'install_helm_chart',
  'uninstall_helm_chart',
  'upgrade_helm_chart',
  // Flux
  'reconcile_flux_helmrelease',
  'reconcile_flux_kustomization',
  'reconcile_flux_resourceset',
  'reconcile_flux_source',
  'resume_flux_reconciliation',
  'suspend_flux_reconciliation',
  // Others
  'cleanup',
  'create_incident',
  'update_dashboard',
] as const

/** The lists of names that the setting `presets` can name. */
export const PRESETS = { infrastructure: INFRASTRUCTURE } as const
