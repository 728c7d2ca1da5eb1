namespace Lorq.Runtime.Sessions;

/// <summary>Lets an object be closed while others use it: what it holds is released once, by whoever leaves last.</summary>
/// <param name="release">Releases it; must not throw.</param>
internal sealed class Lifetime(Action release)
{
    private readonly Lock guard = new();
    private int users;
    private bool closed;

    /// <summary>Whether the object is closed.</summary>
    public bool IsClosed
    {
        get
        {
            lock (guard)
            {
                return closed;
            }
        }
    }

    /// <summary>Starts a use; false where the object is closed.</summary>
    public bool TryEnter()
    {
        lock (guard)
        {
            if (closed)
            {
                return false;
            }
            users++;
            return true;
        }
    }

    /// <summary>Ends a use.</summary>
    public void Exit()
    {
        bool last;
        lock (guard)
        {
            last = --users == 0 && closed;
        }
        if (last)
        {
            release();
        }
    }

    /// <summary>Closes: no use starts any more, and what runs ends as if nothing had happened.</summary>
    public void Close()
    {
        bool last;
        lock (guard)
        {
            last = !closed && users == 0;
            closed = true;
        }
        if (last)
        {
            release();
        }
    }
}
