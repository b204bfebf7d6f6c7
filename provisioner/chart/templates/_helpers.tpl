{{- define "holdfast.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "holdfast.fullname" -}}
{{- $name := include "holdfast.name" . -}}
{{- $release := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{ default $release .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "holdfast.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "holdfast.fullname" .) "default") }}
{{- end }}

{{/* What finds the pods; never changes. */}}
{{- define "holdfast.selector" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "holdfast.labels" -}}
{{ include "holdfast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "holdfast.server" -}}
{{ required "nfs.server is empty: give the host name or address of the NFS server, for instance --set nfs.server=192.168.41.10" .Values.nfs.server }}
{{- end }}

{{- define "holdfast.path" -}}
{{ required "nfs.path is empty: give the path that the server exports, for instance --set nfs.path=/srv/nfs/k8s" .Values.nfs.path }}
{{- end }}

{{/* The volume through which the pods mount the export, where a pod cannot say how by itself.
     Another export is another volume: neither volumes nor claims can be changed. */}}
{{- define "holdfast.rootVolume" -}}
{{ $export := list (include "holdfast.server" .) (include "holdfast.path" .) .Values.nfs .Values.storageClass.accessModes -}}
{{ printf "%s-%s" .Release.Namespace (include "holdfast.fullname" .) | trunc 54 }}-{{ $export | toJson | sha256sum | trunc 8 }}
{{- end }}

{{/* One StorageClass; takes {root, class}. */}}
{{- define "holdfast.storageClass" -}}
{{- $class := .class -}}
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: {{ $class.name }}
  labels: {{- include "holdfast.labels" .root | nindent 4 }}
  annotations:
    storageclass.kubernetes.io/is-default-class: {{ $class.defaultClass | default false | quote }}
    {{- with $class.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
provisioner: {{ .root.Values.storageClass.provisionerName }}
reclaimPolicy: {{ $class.reclaimPolicy | default "Delete" }}
volumeBindingMode: {{ $class.volumeBindingMode | default "Immediate" }}
allowVolumeExpansion: {{ $class.allowVolumeExpansion | default false }}
parameters:
  {{- if $class.onDelete }}
  onDelete: {{ $class.onDelete }}
  {{- else }}
  archiveOnDelete: {{ dig "archiveOnDelete" true $class | quote }}
  {{- end }}
  {{- with $class.pathPattern }}
  pathPattern: {{ . | quote }}
  {{- end }}
  {{- if $class.sharedPaths }}
  sharedPaths: "true"
  {{- end }}
  {{- if eq ($class.existingDirectories | default "refuse") "use" }}
  existingDirectories: use
  {{- end }}
{{- with $class.mountOptions | default .root.Values.nfs.mountOptions }}
mountOptions: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
