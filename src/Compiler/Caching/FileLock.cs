using System.Diagnostics;

namespace Lorq.Caching;

/// <summary>
/// A lock between processes: a file opened for one alone. Advisory, and let go by the system when its holder dies. The file itself stays:
/// deleting it while another process waits would let two in.
/// </summary>
internal static class FileLock
{
    /// <summary>The name of the lock's file in a profile.</summary>
    public const string Name = ".lock";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits for the lock; null when it is not to be had.</summary>
    public static FileStream? TryTake(string path)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (Exception e) when (e is DirectoryNotFoundException or UnauthorizedAccessException or NotSupportedException)
            {
                return null;
            }
            catch (IOException)
            {
                if (!File.Exists(path) || Stopwatch.GetElapsedTime(start) > Patience)
                {
                    return null;
                }
                Thread.Sleep(Pause);
            }
        }
    }
}
