{{/* What the pods mount: the exports as a JSON list, also where nfs names the only one.
     Of each: volume, its name in the pod; mount, its folder there; claim, the PersistentVolumeClaim
     that is mounted where it has mount options, because a pod cannot say how by itself. */}}
{{- define "holdfast.exports" -}}
{{- $exports := list }}
{{- if .Values.exports }}
{{- include "holdfast.refuseBesideExports" . }}
{{- range .Values.exports }}
{{- $exports = append $exports (include "holdfast.listedExport" (dict "root" $ "export" .) | fromJson) }}
{{- end }}
{{- include "holdfast.refuseOverlaps" $exports }}
{{- else }}
{{- $exports = list (dict
      "name" "default"
      "server" (include "holdfast.server" .)
      "path" (include "holdfast.path" .)
      "mountOptions" (include "holdfast.options" .Values.nfs.mountOptions | fromJsonArray)
      "volume" .Values.nfs.volumeName
      "mount" "/persistentvolumes"
      "claim" (include "holdfast.rootVolume" .)) }}
{{- end }}
{{- $exports | toJson }}
{{- end }}

{{/* One of .Values.exports, as JSON; takes {root, export}. The folder's name has a hash of the
     address: while a pod is replaced, it reads of the new address, but still mounts the former. */}}
{{- define "holdfast.listedExport" -}}
{{- $export := .export -}}
{{- $address := list $export.name $export.server $export.path -}}
{{- $volume := printf "%s-%s" ($export.name | trunc 54) ($address | toJson | sha256sum | trunc 8) -}}
{{- $options := include "holdfast.options" $export.mountOptions | fromJsonArray -}}
{{- $nfs := list $address $options .root.Values.nfs.reclaimPolicy .root.Values.storageClass.accessModes -}}
{{- $claim := printf "%s-%s-%s" .root.Release.Namespace (include "holdfast.fullname" .root) $export.name -}}
{{- dict
      "name" $export.name
      "server" $export.server
      "path" $export.path
      "serverAliases" ($export.serverAliases | default list)
      "mountOptions" $options
      "deadline" ($export.deadline | default .root.Values.settings.exportDeadline)
      "mode" ($export.mode | default .root.Values.directories.mode)
      "uid" (dig "uid" .root.Values.directories.uid $export)
      "gid" (dig "gid" .root.Values.directories.gid $export)
      "volume" $volume
      "mount" (printf "/exports/%s" $volume)
      "claim" (printf "%s-%s" ($claim | trunc 54) ($nfs | toJson | sha256sum | trunc 8))
    | toJson }}
{{- end }}

{{/* The export of a class, as JSON; takes {root, class}. */}}
{{- define "holdfast.exportOfClass" -}}
{{- $exports := include "holdfast.exports" .root | fromJsonArray -}}
{{- $names := list -}}
{{- $wanted := .class.export | default (first $exports).name -}}
{{- $found := dict -}}
{{- range $exports }}
{{- $names = append $names .name }}
{{- if eq .name $wanted }}{{ $found = . }}{{ end }}
{{- end }}
{{- if not $found }}
{{- fail (printf "export of StorageClass %s is %s, which is not in exports: it must be one of %s" .class.name $wanted (join ", " $names)) }}
{{- end }}
{{- $found | toJson }}
{{- end }}

{{- define "holdfast.refuseBesideExports" -}}
{{- range $field := list "server" "path" "serverAliases" "mountOptions" }}
{{- if get $.Values.nfs $field }}
{{- fail (printf "nfs.%s and exports are both given: list every export in exports, and take nfs.server, nfs.path, nfs.serverAliases and nfs.mountOptions out of your values. Give the export that was in nfs the name default: so it keeps its Lease, and two pods never lead it at once" $field) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Takes the exports. The program refuses more: it knows each way to write an address. */}}
{{- define "holdfast.refuseOverlaps" -}}
{{- range $number, $export := . }}
{{- range slice $ 0 $number }}
{{- if eq .name $export.name }}
{{- fail (printf "exports[%d].name is %s, which is another export's name: give each its own" $number .name) }}
{{- end }}
{{- if and (eq (include "holdfast.sameServer" (list . $export)) "true") (eq (include "holdfast.samePath" (list . $export)) "true") }}
{{- fail (printf "exports[%d].path is %s: exports %s and %s overlap on the same server; list the outer one only" $number $export.path .name $export.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Whether two exports have a name of their server in common. */}}
{{- define "holdfast.sameServer" -}}
{{- $others := list }}
{{- with last . }}
{{- range prepend .serverAliases .server }}{{ $others = append $others (lower . | trimSuffix ".") }}{{ end }}
{{- end }}
{{- $same := false }}
{{- with first . }}
{{- range prepend .serverAliases .server }}
{{- if has (lower . | trimSuffix ".") $others }}{{ $same = true }}{{ end }}
{{- end }}
{{- end }}
{{- $same }}
{{- end }}

{{/* Whether one of two exports' paths is the other's, or within it. */}}
{{- define "holdfast.samePath" -}}
{{- $one := printf "%s/" (first .).path | clean | printf "%s/" | replace "//" "/" }}
{{- $other := printf "%s/" (last .).path | clean | printf "%s/" | replace "//" "/" }}
{{- or (hasPrefix $one $other) (hasPrefix $other $one) }}
{{- end }}
