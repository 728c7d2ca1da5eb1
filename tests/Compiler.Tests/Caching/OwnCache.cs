using System.Runtime.CompilerServices;
using Lorq.Caching;

namespace Lorq.Tests.Caching;

/// <summary>Keeps the tests, and the processes they start, away from the cache of whoever runs them.</summary>
internal static class OwnCache
{
    [ModuleInitializer]
    internal static void Use()
    {
        string folder = Directory.CreateTempSubdirectory("lorq-test-cache-").FullName;
        Environment.SetEnvironmentVariable(CacheFolder.PathVariable, folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        };
    }
}
