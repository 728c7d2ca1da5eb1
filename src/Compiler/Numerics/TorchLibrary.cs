using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lorq.Diagnostics;
using TorchSharp;

namespace Lorq.Numerics;

/// <summary>
/// Loads libtorch on first use (hundreds of milliseconds, so nothing that can do without pays for it).
/// TorchSharp's Linux library is built with GCC 13 and asks for a symbol version that the libstdc++ of Debian 12 and Ubuntu 22.04 lacks,
/// for a symbol it never calls. Where that is so, a copy without this need is made in the cache folder and loaded instead.
/// </summary>
internal static class TorchLibrary
{
    private const string BridgeFile = "libLibTorchSharp.so";
    private const string MissingVersion = "GLIBCXX_3.4.32";
    private const string OlderVersion = "GLIBCXX_3.4";

    /// <summary>The one symbol of that version that the library refers to; libstdc++ of GCC 13 and later exports it.</summary>
    private const string SymbolOfMissingVersion = "_ZSt21ios_base_library_initv";

    private static readonly Lazy<bool> Loaded = new(LoadOnce);

    /// <summary>Makes libtorch ready. Later calls cost nothing; thread-safe.</summary>
    /// <exception cref="LorqException">It cannot be loaded on this machine.</exception>
    public static void Load() => _ = Loaded.Value;

    private static bool LoadOnce()
    {
        try
        {
            ReproducibleProducts.Request();
            if (OperatingSystem.IsLinux() && FindBridge() is { } bridge && !StandardLibraryIsNewEnough())
            {
                LoadPatched(bridge, DefaultCacheFolder());
            }
            torch.InitializeDeviceType(DeviceType.CPU);
            return true;
        }
        catch (Exception e)
            when (e
                    is DllNotFoundException
                        or NotSupportedException
                        or InvalidDataException
                        or IOException
                        or UnauthorizedAccessException
                        or TypeInitializationException
                        or BadImageFormatException
            )
        {
            throw Catalogue.TorchUnavailable.With((e.InnerException ?? e).Message.ReplaceLineEndings(" ").Trim());
        }
    }

    private static bool StandardLibraryIsNewEnough() =>
        NativeLibrary.TryLoad("libstdc++.so.6", out IntPtr handle) && NativeLibrary.TryGetExport(handle, SymbolOfMissingVersion, out _);

    /// <summary>TorchSharp's native part beside the program, or null where the runtime will find it by other means.</summary>
    private static string? FindBridge()
    {
        string searched = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        return searched
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append(AppContext.BaseDirectory)
            .Append(Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"))
            .Select(folder => Path.Combine(folder, BridgeFile))
            .FirstOrDefault(File.Exists);
    }

    private static void LoadPatched(string bridge, string? cacheFolder)
    {
        byte[]? patched = ElfSymbolVersion.WithoutVersion(File.ReadAllBytes(bridge), MissingVersion, OlderVersion);
        if (patched is null)
        {
            return;
        }
        // The copy cannot find libtorch beside itself; loaded first by path, it is found by its name.
        string torchFile = Path.Combine(Path.GetDirectoryName(bridge)!, "libtorch.so");
        if (File.Exists(torchFile))
        {
            NativeLibrary.Load(torchFile);
        }
        IntPtr handle = LoadCopy(patched, cacheFolder);
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, (name, _, _) => name == "LibTorchSharp" ? handle : IntPtr.Zero);
    }

    /// <summary>Loads the bytes as a library, from the cache folder where that works, else from a temporary file.</summary>
    internal static IntPtr LoadCopy(byte[] library, string? cacheFolder)
    {
        if (cacheFolder is not null)
        {
            try
            {
                return NativeLibrary.Load(CachedCopy(library, cacheFolder));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DllNotFoundException)
            {
                // Not writable, full, or mounted without the right to execute.
            }
        }
        // A private folder that only this user can write, removed at once: a loaded library needs its file no more.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-");
        try
        {
            string path = Path.Combine(folder.FullName, BridgeFile);
            File.WriteAllBytes(path, library);
            return NativeLibrary.Load(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>
    /// The path of a file in the cache folder with exactly these bytes. Processes that start together each write a file of their
    /// own and move it into place, so that none ever loads half a file.
    /// </summary>
    internal static string CachedCopy(byte[] content, string cacheFolder)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8));
        string folder = Path.Combine(cacheFolder, name);
        string path = Path.Combine(folder, BridgeFile);
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(content))
        {
            return path;
        }
        Directory.CreateDirectory(folder);
        string partial = Path.Combine(folder, $"{BridgeFile}.{Environment.ProcessId}.{Guid.NewGuid():N}");
        try
        {
            File.WriteAllBytes(partial, content);
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
        return path;
    }

    /// <summary>The user's cache folder, or null without a home.</summary>
    private static string? DefaultCacheFolder()
    {
        string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(root) || !Path.IsPathRooted(root))
        {
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            root = home.Length == 0 ? null : Path.Combine(home, ".cache");
        }
        return root is null ? null : Path.Combine(root, "lorq", "native");
    }
}
