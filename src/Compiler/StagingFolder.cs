using Lorq.Diagnostics;

namespace Lorq;

/// <summary>
/// A hidden folder inside the output folder where all results are written first; <see cref="Publish"/> moves them to their places
/// by renames. Disposed without it, everything it made is gone, and so is the output folder when it made that too.
/// </summary>
internal sealed class StagingFolder : IDisposable
{
    private readonly string target;
    private readonly List<string> created = [];

    /// <summary>Makes the folder, and the output folder when it is absent.</summary>
    /// <exception cref="LorqException">The output folder cannot be made or written to.</exception>
    public StagingFolder(string target)
    {
        this.target = System.IO.Path.GetFullPath(target);
        Path = System.IO.Path.Combine(this.target, $".lorq-{Environment.ProcessId}-{Guid.NewGuid():N}");
        try
        {
            for (
                string? folder = this.target;
                folder is not null && !Directory.Exists(folder);
                folder = System.IO.Path.GetDirectoryName(folder)
            )
            {
                created.Add(folder);
            }
            Directory.CreateDirectory(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Catalogue.OutputFolderNotWritable.With(target, e.Message);
        }
    }

    /// <summary>Where to write.</summary>
    public string Path { get; }

    /// <summary>Moves every staged file to the output folder, over earlier ones, and keeps the output folder.</summary>
    /// <param name="order">File names in the order they are moved; the one that others refer to comes last.</param>
    public void Publish(IReadOnlyList<string> order)
    {
        try
        {
            foreach (string name in order)
            {
                File.Move(System.IO.Path.Combine(Path, name), System.IO.Path.Combine(target, name), overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Catalogue.OutputFolderNotWritable.With(target, e.Message);
        }
        created.Clear();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        TryDelete(Path, recursive: true);
        // Innermost first; a folder that somebody else used meanwhile is not empty and stays.
        created.ForEach(folder => TryDelete(folder, recursive: false));
    }

    private static void TryDelete(string folder, bool recursive)
    {
        try
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive);
            }
        }
        catch (IOException)
        {
            // A leftover that cannot be deleted must not hide the error that led here.
        }
        catch (UnauthorizedAccessException) { }
    }
}
