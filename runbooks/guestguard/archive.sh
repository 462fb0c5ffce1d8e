# To be read by a shell: points wal-g at $NEW_ARCHIVE, whatever its configuration file says.
case "$NEW_ARCHIVE" in
  s3://*) variable=WALG_S3_PREFIX ;;
  gs://*) variable=WALG_GS_PREFIX ;;
  azure://*) variable=WALG_AZ_PREFIX ;;
  /*) variable=WALG_FILE_PREFIX && mkdir -p "$NEW_ARCHIVE" ;;
  *) echo "new_archive has to be s3://…, gs://…, azure://… or a folder, and is '$NEW_ARCHIVE'" >&2 && exit 1 ;;
esac
export "$variable=$NEW_ARCHIVE"
