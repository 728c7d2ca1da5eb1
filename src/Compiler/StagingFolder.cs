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
        try
        {
            this.target = System.IO.Path.GetFullPath(target);
            Path = System.IO.Path.Combine(this.target, $".lorq-{Environment.ProcessId}-{Guid.NewGuid():N}");
            for (
                string? folder = this.target;
                folder is not null && !Directory.Exists(folder);
                folder = System.IO.Path.GetDirectoryName(folder)
            )
            {
                created.Add(folder);
            }
            if (created.FirstOrDefault(File.Exists) is { } file)
            {
                throw Catalogue.OutputFolderNotWritable.With(target, $"'{file}' is a file.");
            }
            Directory.CreateDirectory(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Catalogue.OutputFolderNotWritable.With(target, e.Message);
        }
        catch (ArgumentException)
        {
            throw Catalogue.OutputFolderNotWritable.With(target, "this is no path.");
        }
    }

    /// <summary>Where to write.</summary>
    public string Path { get; }

    /// <summary>
    /// Moves every staged file to the output folder, over earlier ones, and keeps the output folder. When one cannot be moved,
    /// those before it are taken back and earlier ones restored.
    /// </summary>
    /// <param name="order">File names in the order they are moved; the one that others refer to comes last.</param>
    /// <exception cref="LorqException">A file cannot be moved to its place.</exception>
    public void Publish(IReadOnlyList<string> order)
    {
        string earlier = System.IO.Path.Combine(Path, "earlier");
        var placed = new List<string>();
        try
        {
            Directory.CreateDirectory(earlier);
            foreach (string name in order)
            {
                string staged = System.IO.Path.Combine(Path, name);
                string final = System.IO.Path.Combine(target, name);
                if (File.Exists(final))
                {
                    File.Replace(staged, final, System.IO.Path.Combine(earlier, name));
                }
                else
                {
                    File.Move(staged, final);
                }
                placed.Add(name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            placed.ForEach(name => TakeBack(System.IO.Path.Combine(target, name), System.IO.Path.Combine(earlier, name)));
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

    private static void TakeBack(string final, string earlier)
    {
        try
        {
            if (File.Exists(earlier))
            {
                File.Move(earlier, final, overwrite: true);
            }
            else
            {
                File.Delete(final);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error that led here says what is wrong with the folder; the other files are still taken back.
        }
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
